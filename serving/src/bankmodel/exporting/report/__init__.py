"""The evidence of an export as one page of HTML, for those who sign it: no script, nothing fetched, made for paper too."""

from bankmodel.exporting.report.document import report_of
from bankmodel.exporting.report.writing import write_report

__all__ = ["report_of", "write_report"]
