"""Submissions: what students handed in, found in files, folders and archives and read when it is asked for."""

from nncheck.grading.submissions.choosing import choose as choose
from nncheck.grading.submissions.collecting import LAYOUTS as LAYOUTS
from nncheck.grading.submissions.collecting import collect as collect
from nncheck.grading.submissions.counting import by_student as by_student
from nncheck.grading.submissions.counting import counting as counting
from nncheck.grading.submissions.record import Collected as Collected
from nncheck.grading.submissions.record import Place as Place
from nncheck.grading.submissions.record import Submission as Submission
from nncheck.grading.submissions.record import SubmittedFile as SubmittedFile
