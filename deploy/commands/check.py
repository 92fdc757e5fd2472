"""`kinolog check`: refuse what would break the contract between processes, or with the past."""

from __future__ import annotations

import sys

import click
import orjson

from deploy import checking
from schemas.errors import ContractError


@click.command("check")
@click.option("--fix", is_flag=True, help="Lock new schema versions and topics, and write generated files.")
@click.option("--contract-only", is_flag=True, help="Leave out what imports code: agents and import rules.")
@click.option("--json", "as_json", is_flag=True, help="Print {ok, problems} as JSON.")
def command(fix: bool, contract_only: bool, as_json: bool) -> None:
    """Check the map, the schemas, their locks, the generated files, and who imports whom.

    Ends with 1 if anything is wrong; each problem names its remedy.
    """
    done: list[str] = []
    if fix:
        try:
            done = checking.fix()
        except ContractError as error:
            raise click.ClickException(str(error)) from None
    problems = list(checking.contract_problems())
    if not contract_only:
        problems += checking.code_problems()
    if as_json:
        click.echo(orjson.dumps({"ok": not problems, "fixed": done, "problems": problems}).decode())
    else:
        for line in done:
            click.echo(line)
        for problem in problems:
            click.echo(problem, err=True)
        click.echo("ok" if not problems else f"{len(problems)} problem(s)", err=bool(problems))
    sys.exit(1 if problems else 0)
