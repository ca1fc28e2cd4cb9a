"""What a converted statement says below its table: the rates used, and what had none."""

from ledger_client.models import BalanceSheet, IncomeStatement, UsedRate


def conversion_notes(report: BalanceSheet | IncomeStatement) -> list[str]:
    """Return a sentence for each rate used; nothing for a report that was not converted."""
    if not report.reporting_currency:
        return []
    notes = [_rate_note(used) for used in report.used_rates]
    if report.unconverted:
        codes = ", ".join(report.unconverted)
        notes.append(f"Without a rate to {report.reporting_currency}, not converted: {codes}.")
    return notes


def _rate_note(used: UsedRate) -> str:
    rate = used.rate
    divided = "; amounts are divided by it" if used.inverse else ""
    start = f"{rate.effective_time:%Y-%m-%d %H:%M:%S} UTC"
    return (
        f"1 {rate.base} = {rate.rate:f} {rate.quote} from {start}"
        f" ({rate.source}, sequence {rate.sequence}{divided})."
    )
