"""Files to start from: a student's file for a case, the folder of a new case, and an assignment."""

from nncheck.scaffold.assignment import write_assignment as write_assignment
from nncheck.scaffold.folder import write_case as write_case
from nncheck.scaffold.student import as_typed as as_typed
from nncheck.scaffold.student import write_student_file as write_student_file
