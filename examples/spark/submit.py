"""What spark-submit starts: the command line of adcli, in the session that spark-submit begins.

spark-submit --master 'local[2]' submit.py clean logs/*.csv --engine spark -o events.parquet
"""

from adcli.__main__ import main

if __name__ == "__main__":
    main()
