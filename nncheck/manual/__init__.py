"""The hand-written side: functions of NumPy, loaded, held to their contract and trained."""

from nncheck.manual.functions import Manual as Manual
from nncheck.manual.functions import Slip as Slip
from nncheck.manual.functions import load as load
from nncheck.manual.functions import prints_to_stderr as prints_to_stderr
from nncheck.manual.training import Trained as Trained
from nncheck.manual.training import Trainer as Trainer
from nncheck.manual.update import Update as Update
