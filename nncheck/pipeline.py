"""Both sides of one case as a stream of chunks, each side working while the other does."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future

import numpy as np

from nncheck import manual
from nncheck.autograd.session import Session
from nncheck.case import Case
from nncheck.formula.plain import Array
from nncheck.language import phrase
from nncheck.process import Reply
from nncheck.trajectory import Chunk, Run, Witness

# Numbers that the hand side may hold while it runs ahead of torch.
_AHEAD_NUMBERS = 6_000_000


class Pipeline:
    """Both sides of one case as a stream of chunks, each side working while the other does.

    The torch process is asked for the next chunks before they are needed; while it works, or is still importing torch,
    the hand side trains here and sends its parameters off to the float64 witness.
    """

    def __init__(
        self,
        case: Case,
        X: Array,
        YT: Array,
        hand: manual.Manual,
        session: Session,
        *,
        dtype: str,
        seed: int,
        steps: int,
        chunk: int,
    ) -> None:
        self._case, self._session, self._steps, self._chunk = case, session, steps, chunk
        self._worker = session.worker
        params = {name: array.astype(dtype) for name, array in case.params.items()}
        self._trainer = manual.Trainer(hand, X.astype(dtype), YT.astype(dtype), params, case.lr, case.optimizer)
        self._numbers = max(1, sum(array.size for array in params.values())) * chunk
        self._loading = self._worker.submit(
            "load",
            {"X": X, "YT": YT, **case.params},
            folder=str(case.folder),
            sizes=case.sizes,
            names=list(case.params),
            lr=case.lr,
            optimizer=[case.optimizer.name, dict(case.optimizer.settings)],
            seed=seed,
            stage=phrase("load {case}", case=case.name),
        )
        self.notes: list[str] = []

    def chunks(self) -> Iterator[tuple[Chunk, str]]:
        """Yield (Chunk, slip) in order; the slip ends the stream.

        Raises
        ------
        ProcessFailure
            If the torch process fails.
        CaseError
            If autograd.py is at fault.
        """
        training: deque[Future[Reply]] = deque()
        hand: deque[tuple[manual.Trained, Future[Reply]]] = deque()
        asked = trained = done = 0  # steps asked of torch, done by hand, and given out
        while done < self._steps:
            while asked < self._steps and len(training) < 2:
                training.append(self._ask_training(asked))
                asked += self._chunk
            if trained < self._steps and (not hand or not training[0].done()) and self._may_run_ahead(len(hand)):
                hand.append(self._train_hand(trained))
                trained = self._steps if hand[-1][0].slip else trained + self._chunk
                continue
            self._session.ready()
            self._worker.result(self._loading)
            answer, device = self._worker.result(training.popleft())
            by_hand, witnessing = hand.popleft()
            _, witness = self._worker.result(witnessing)
            if answer["plain"] and answer["plain"] not in self.notes:
                self.notes.append(answer["plain"])
            yield self._joined(done, device, answer["read"], by_hand, witness), by_hand.slip
            if by_hand.slip:
                return
            done += self._chunk

    def _may_run_ahead(self, chunks: int) -> bool:
        return chunks == 0 or chunks * self._numbers <= _AHEAD_NUMBERS

    def _ask_training(self, start: int) -> Future[Reply]:
        count = min(self._chunk, self._steps - start)
        stage = phrase("train steps {first:,} to {last:,}", first=start, last=start + count - 1)
        if count == 1:
            stage = phrase("train step {step:,}", step=start)
        return self._worker.submit("train", steps=count, stage=stage)

    def _train_hand(self, start: int) -> tuple[manual.Trained, Future[Reply]]:
        trained = self._trainer.train(min(self._chunk, self._steps - start))
        points = {name: states[:-1].astype(np.float64, copy=False) for name, states in trained.states.items()}
        if len(trained.losses) == 0:  # nothing to differentiate at
            points = {name: states[:1].astype(np.float64) for name, states in trained.states.items()}
        return trained, self._worker.submit("witness", points, stage=phrase("take gradients in float64 on the CPU"))

    def _joined(
        self,
        start: int,
        device: dict[str, Array],
        read: list[int],
        trained: manual.Trained,
        witness: dict[str, Array],
    ) -> Chunk:
        names = list(self._case.params)
        return Chunk(
            start=start,
            device=Run(
                losses=device["E"],
                before={name: device[name][:-1] for name in names},
                after={name: device[name][1:] for name in names},
                gradients={name: device[f"read.{name}"] for name in names},
                at=np.array(read),
            ),
            device_witness=Witness(losses=device["dE"], gradients={name: device[f"d{name}"] for name in names}),
            hand=Run(
                losses=trained.losses,
                before={name: states[:-1] for name, states in trained.states.items()},
                after={name: states[1:] for name, states in trained.states.items()},
                gradients=trained.gradients,
            ),
            hand_witness=Witness(losses=witness["E"], gradients={name: witness[name] for name in names}),
        )
