"""cvc5 as a program that reads SMT-LIB 2 from standard input, out of the Python package `cvc5`, which brings the library alone.

Only what an interactive solver is asked for: arguments but `--tlimit=MILLISECONDS` are passed over.
"""
import re
import sys

import cvc5

# What may hold parentheses that do not count: strings, quoted symbols, comments.
OPAQUE = re.compile(r'"(?:[^"]|"")*"|\|[^|]*\||;[^\n]*')


def is_whole(text: str) -> bool:
    """Whether no command is open at the end of the text; the library's parser takes whole ones only."""
    rest = OPAQUE.sub("", text)
    return '"' not in rest and "|" not in rest and rest.count("(") == rest.count(")")


class Session:
    """A solver and its symbols, from one `(reset)` to the next."""

    def __init__(self, options: dict[str, str]):
        self.terms = cvc5.TermManager()
        self.solver = cvc5.Solver(self.terms)
        for name, value in options.items():
            self.solver.setOption(name, value)
        self.symbols = cvc5.SymbolManager(self.terms)

    def commands(self, text: str):
        parser = cvc5.InputParser(self.solver, self.symbols)
        parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "standard input")
        while not (command := parser.nextCommand()).isNull():
            yield command


def main() -> int:
    options = {"incremental": "true"}
    for argument in sys.argv[1:]:
        if argument.startswith("--tlimit="):
            options["tlimit-per"] = argument.partition("=")[2]
    session = Session(options)
    text = ""
    for line in sys.stdin:
        text += line
        if not is_whole(text):
            continue
        for command in session.commands(text):
            if command.getCommandName() == "reset":
                session = Session(options)
            else:
                sys.stdout.write(command.invoke(session.solver, session.symbols))
        sys.stdout.flush()
        text = ""
    return 0


if __name__ == "__main__":
    sys.exit(main())
