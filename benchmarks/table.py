"""The report as a table for people."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.rows import Report, Row


def show(report: Report, console: Console) -> None:
    """Print one table, with a section for each benchmark, and a line that counts goals."""
    table = Table(title=f"{report.taken} · {report.machine}{' · quick' if report.quick else ''}", title_justify="left")
    table.add_column("what", ratio=5)
    table.add_column("figure", justify="right", no_wrap=True)
    table.add_column("beside", ratio=4)
    table.add_column("ratio", justify="right", no_wrap=True)
    table.add_column("goal", no_wrap=True)
    table.add_column("", no_wrap=True)
    for result in report.results:
        table.add_section()
        table.add_row(f"[bold]{result.name}[/bold] [dim]{result.seconds:.0f} s[/dim]")
        for row in result.rows:
            ratio = "" if row.ratio is None else f"{row.ratio:.2f} ×"
            figure = f"{figure_of(row.value)} {row.unit}"
            table.add_row(escape(row.what), figure, escape(row.against), ratio, row.goal, verdict(row))
        if result.error:
            table.add_row(f"[red]{escape(result.error)}[/red]")
    console.print(table)
    judged = [row for result in report.results for row in result.rows if row.met is not None]
    missed = sum(not row.met for row in judged)
    console.print(f"{len(judged) - missed} of {len(judged)} goals met" + (f", {missed} missed" if missed else ""))


def figure_of(value: float) -> str:
    """A figure with three digits that mean something."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def verdict(row: Row) -> str:
    """Whether the goal was met."""
    if row.met is None:
        return ""
    return "[green]met[/green]" if row.met else "[red]missed[/red]"
