import sys

from bench.manners.run import main

sys.exit(main())
