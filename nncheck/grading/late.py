"""What being late costs: a share of the points for each day begun."""

from __future__ import annotations

from datetime import datetime, timedelta

from nncheck.grading.assignment import Assignment

DAY = timedelta(hours=24)


def late_penalty(assignment: Assignment, submitted: datetime | None, flag: bool | None = None) -> tuple[bool, float]:
    """Return whether a submission is late, and how many points that takes off.

    ``min(of, of * penalty * days)``, where days counts every 24 hours begun after the due time: one second late is one
    day, 24 hours are one day, a second more is two.

    Parameters
    ----------
    assignment : Assignment
    submitted : datetime or None
        Without a time zone it is read in that of the due time.
    flag : bool or None
        What the learning platform says itself. It counts where one of the two times is not known, as one day; where
        both are known they decide.
    """
    late, of = assignment.late, assignment.of
    if late.due is not None and submitted is not None:
        if submitted.tzinfo is None:
            submitted = submitted.replace(tzinfo=late.due.tzinfo)
        days = max(0, -((late.due - submitted) // DAY))  # -(-x // d) rounds up
    else:
        days = 1 if flag else 0
    if not days or late.policy == "accept":
        return days > 0, 0.0
    return True, of if late.policy == "refuse" else round(min(of, of * late.penalty * days), 6)
