"""Lines that no derivation holds: written to reach out of the formula, to last for ever, or to break the reader."""

from __future__ import annotations

_REACHING = """
X.__class__|X.__class__.__mro__[1].__subclasses__()|X.base|X.ctypes.data|X.tofile('x')|X.dump('x')|X.data.obj|W.real
X.T.T.__dict__|(1).__class__|(1.0).hex()|X.sum.__globals__|X.mean.__func__|X.T.__init__.__globals__|np.__dict__|np.os
np.load('x')|np.save('x', X)|np.fromfile('x')|np.memmap('x')|np.lib|np.random.rand(3)|np.linalg.inv(W)|np.ctypeslib
numpy.load('x')|np.testing|np.f2py|np.show_config()|np.maximum.reduce(X)|np.exp.at(X, 0)|np.where|np|numpy
__import__('os')|__import__('os').system('true')|eval('1')|exec('1')|open('x')|open('x', 'w').write('y')
compile('1', '', 'eval')
getattr(X, 'T')|setattr(X, 'a', 1)|globals()|locals()|vars()|dir()|input()|breakpoint()|exit()|quit()|help()|print(X)
type(X)|type('A', (), {})|object()|super()|id(X)|hash(X)|memoryview(X)|bytes(9)|bytearray(9)|range(9)|list(X)
tuple(X)|set(X)
dict(a=1)|map(exp, X)|filter(exp, X)|zip(X)|iter(X)|next(X)|sorted(X)|reversed(X)|enumerate(X)|isinstance(X, X)
callable(X)
format(X)|repr(X)|str(X)|int(X)|float(X)|complex(1, 2)|bool(X)|chr(65)|ord('A')|pow(9, 9)|round(X)|divmod(9, 4)
staticmethod(X)
os.system('true')|sys.exit()|subprocess.run('true')|pickle.loads(X)|ctypes.CDLL(X)|builtins.open('x')
shutil.rmtree('x')
X[0]|X[0, 1]|X[:]|X[...]|X[X > 0]|X[-1]|X['a']|X.T[0]|(X + W)[0]|X.shape|X.shape[-9**9]|X.shape[X]|X.shape[0:1]
X.shape[0, 1]
X.shape[99]|X.shape[1.0]|X.shape['0']|X.shape[True]|X.size()|X.T()|len(X, X)|len()|len|sum(X)|max(X)|X.argmax()
X.copy()|X.fill(0)
lambda: 0|lambda x: x|(lambda: 0)()|(lambda f: f(f))(lambda f: f(f))|lambda *a, **k: a|exp(lambda: 0)|lambda: (yield)
[x for x in X]|{x for x in X}|{x: x for x in X}|(x for x in X)|[0 for _ in range(10**9)]|[x for x in X if x]
[[y for y in x] for x in X]
[]|[1, 2]|[X]|{}|{1}|{'a': X}|()|(X,)|(X, W)|[*X]|{**X}|*X|*X, W|[X][0]|{0: X}[0]
f'{X}'|f'{X!r}'|f'{X.__class__}'|f"{__import__('os')}"|f'{9**9**9}'|'%s' % X|'{}'.format(X)|'{0.__class__}'.format(X)
'a' * 9|b'a'|u'a'
rb'a'|r'a'|'a' 'b'|'a'|""|'\\x41'|'\\d'|"\\N{BULLET}"|'a'.join('b')|'a'.upper()|'a'[0]
(X := 1)|exp(a := X)|(y := X) + y|X if X else W|X and W|X or W|not X|X is W|X is not W|X in W|X not in W|0 < X < 1
X < 1 > W
X // 2|X % 2|X << 2|X >> 2|X & W|X ^ W|~X|+X|-+X|X <> W|X ++|X ** ** 2|X @@ W|!X|X!|?|$|X ? W : B
exp()|exp(X, W)|exp(x=X)|exp(*X)|exp(**X)|maximum(X)|maximum(X, 0, out=X)|exp(X, out=X)|exp(X, where=W)|where(X)
outer(X)|dot(X)
X.sum(0, 1)|X.sum(axis=X)|X.sum(axis=9**9)|X.sum(axis=(0, 1))|X.sum(axis=1e0)|X.sum(dtype='f')|X.sum(out=X)
X.sum(keepdims=1)
X.sum(*X)|X.sum(**X)|X.sum(axis=0, axis=1)|X.sum(axis)|X.prod()|X.any()|X.sum|X.mean().std()|X.sum(axis='0')
X.sum(axis=True)
True|False|None|...|1j|1e999|-1e999|1_0__0|0x|0b2|0o8|09|1e|1.2.3|1if X else W|0or X|1.real|1..real|nan|inf|pi|tau|lr
self|X Y|X W.T
await X|yield|yield X|async|await|nonlocal|X; W|X: int|X, W = W|W = W|== X|= X|X =|X = = W|X)|(X|X]|[X|{X|X}|(X]|`X`
X`
"""

_STATEMENTS = """
import os|from os import system|import os; os.system('true')|del X|pass|return X|raise X|assert X|global X
while 1: pass|for x in X: pass
if X: pass|with X: pass|try: pass|def f(): pass|class A: pass|@X|async def f(): pass|X|X.T|exp(X)|dW|dW == X|dW: X
dW: int = 1
dW += X|dW -= X|dW @= X|dW **= 9|dW := X|dW, dB = X|(dW, dB) = X|[dW] = X|*dW, = X|dW = dB = X|dW.T = X|dW[0] = X
dW() = X
X = dW|W = dW|YT = X|B2 = dB2|exp = X|np = X|len = X|where = X|__builtins__ = X|__class__ = X|__import__ = X|_ = X
_a = X|__a__ = X
print = exp(X, X)|dW = = X|dW =|= X|=|dW|1 = X|'dW' = X|True = X|None = X|dW = X;|dW = X; dB = X|;|,|.|(|)|:|@|dW X
dW = X dB = X
lambda = X|class = X|import = X|if = X|yield = X|type X = int|match X: pass|print X|exec "1"|dW -> X|dW <- X|dW => X
"""

_ODD = [
    "dW = X\x00",
    "dW = \x00X",
    "\x00",
    "dW = X\x07",
    "dW = X\x1b[2J",
    "dW = X\x0bW",
    "dW = X\x0cW",
    "dW = X\x85W",
    "dW = X\u2028W",
    "dW = X\u200b",
    "dW = \u202eX",
    "dW = \u0425",
    "dW = \uff38",
    "d\u0410 = X",
    "dW \uff1d X",
    "dW = X \u00d7 W",
    "dW = X \u2212 W",
    "dW = X \u00b7 W",
    "dW = X\u00b2",
    "dW = \u2211X",
    "dW = \u03c3(X)",
    "dW = X\u1d40",
    "dW = \ud55c\uae00",
    "dW = \U0001d417",
    "dW = X\u0301",
    "dW = X \\",
    "\\dW = X",
    "dW = \\frac{X}{W}",
    "dW = X \\ W",
    "dW\\n= X",
    "dW = X\t+\t",
    "dW = 'a\tb'",
]

_ENDLESS = [
    "dW = 9**9**9**9",
    "dW = 9**9**9**9**9**9**9**9",
    "dW = " + "9**" * 30 + "9",
    "dW = 10**1000",
    "dW = 2**2**2000",
    "dW = -9**9**9",
    "dW = exp(exp(exp(9)))",
    "dW = 1/0",
    "dW = 0/0",
    "dW = log(-1)",
    "dW = " + "9" * 400,
    "dW = " + "9" * 9000,
    "dW = 0x" + "f" * 9000,
    "dW = 0b" + "1" * 9000,
    "dW = 1e" + "9" * 9000,
    "dW = X.shape[" + "9" * 5000 + "]",
    "dW = X.sum(axis=" + "9" * 5000 + ")",
    "dW = X.sum(axis=0x" + "f" * 5000 + ")",
    "dW = outer(outer(X, X), outer(X, X))",
    "dW = outer(outer(outer(X, X), outer(X, X)), outer(outer(X, X), outer(X, X)))",
    "dW = " + "outer(" * 12 + "X" + ", X)" * 12,
    "dW = " + "outer(X, " * 30 + "X" + ")" * 30,
    "dW = outer(outer(X, X), outer(X, X)).sum()",
    "dW = exp(outer(outer(X, W), outer(W, X)))",
    "dW = " + "(" * 39 + "X" + ")" * 38,
    "dW = " + "(" * 60 + "X" + ")" * 60,
    "dW = " + "(" * 4990 + "X" + ")" * 4990,
    "dW = " + "[" * 9000,
    "dW = " + "{" * 9000,
    "dW = " + ")" * 9000,
    "dW = " + "-" * 60 + "X",
    "dW = " + "-" * 9000 + "X",
    "dW = " + "not " * 2000 + "X",
    "dW = " + "~" * 9000 + "X",
    "dW = " + "X+" * 4000 + "X",
    "dW = " + "X**" * 3000 + "X",
    "dW = " + "X@" * 4000 + "X",
    "dW = X" + ".T" * 4000,
    "dW = X" + ".a" * 4000,
    "dW = X" + "[0]" * 3000,
    "dW = X" + "()" * 4000,
    "dW = " + "lambda:" * 1200 + "0",
    "dW = " + "X if X else " * 800 + "X",
    "dW = " + "X<" * 4000 + "X",
    "dW = " + "X,(" * 3000,
    "dW = " + "f'{" * 100,
    "dW = " + "'" + "a" * 9000 + "'",
    "dW = exp(" + "X, " * 3000 + ")",
    "dW = " + "a" * 9000,
    "dW = X." + "a" * 9000,
    "dW = " + "a" * 9000 + "()",
    "a" * 9000 + " = X",
    "a" * 9000,
    "dW = " * 1500 + "X",
    "dW = X; " * 1200,
    "dW = X" + " " * 9000 + "!",
    "dW" + " " * 9000 + "X",
    "dW = dW",
    "dW = dW + X",
    "dY = dZ2 / (Y * (1 - Y))",
    "dH = dW",
]

#: All of them; none is a formula of relu_sigmoid.
LINES = (
    *(f"dW = {code}" for line in _REACHING.strip().split("\n") for code in line.split("|")),
    *(code for line in _STATEMENTS.strip().split("\n") for code in line.split("|")),
    *_ODD,
    *_ENDLESS,
)
