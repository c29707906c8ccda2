"""`python -m adcli`: what `torchrun -m adcli` and `accelerate launch -m adcli` start."""

from adcli.cli.app import main

if __name__ == "__main__":
    main()
