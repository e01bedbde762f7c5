"""All cases of the fuzz: one for each part of the chapter."""

from tests.faults import cases_of_functions, cases_of_parts

CASES = [
    case
    for module in (cases_of_parts, cases_of_functions)
    for name, some in vars(module).items()
    if name.endswith("_cases")
    for case in some()
]
