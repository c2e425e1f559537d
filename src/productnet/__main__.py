"""``python -m productnet``: the command, for whoever starts it by the interpreter they run."""

from productnet.cli.main import run

if __name__ == "__main__":
    run()
