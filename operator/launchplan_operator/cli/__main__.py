"""`python -m launchplan_operator.cli`."""

import sys

from launchplan_operator.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
