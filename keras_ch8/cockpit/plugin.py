"""The tab "Optimization" of TensorBoard: hands out the page, and the document of what TensorBoard has read.

It reads only, and opens no file that a request names: each asset has one route, and is in memory from the start.
"""

import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from tensorboard import context as contexts
from tensorboard.backend import experiment_id, http_util
from tensorboard.data.provider import DataProvider, RunTagFilter
from tensorboard.plugins import base_plugin
from werkzeug import Request, Response

from ..board.record import compact
from ..board.tags import EDGES, RECORD
from . import page
from .document import POINTS, Document, Run, is_ours, joined, most_points, name_of, title_of

NAME, TAB = "keras_ch8", "Optimization"
FILES = page.FILES | {page.TAB: "text/javascript"}
JSON = "application/json"
Where: TypeAlias = Mapping[str, Any]
"""Of which request and experiment a provider is asked: its arguments `ctx` and `experiment_id`."""
SCALARS = "scalars"
"""The plugin of TensorBoard whose data the curves are."""


class Plugin(base_plugin.TBPlugin):
    """The tab of one TensorBoard."""

    plugin_name = NAME

    def __init__(self, context: base_plugin.TBContext) -> None:
        self._documents = Documents(context.data_provider, context.logdir or "")

    def is_active(self) -> bool:
        """Return False: the tab is active where a run has our record, which TensorBoard finds out by itself."""
        return False

    def data_plugin_names(self) -> tuple[str, ...]:
        """Return whose data make the tab active."""
        return (NAME,)

    def frontend_metadata(self) -> base_plugin.FrontendMetadata:
        """Return what TensorBoard shows as the tab."""
        return base_plugin.FrontendMetadata(es_module_path=f"/static/{page.TAB}", tab_name=TAB)

    def get_plugin_apps(self) -> dict[str, Callable[..., Any]]:
        """Return what is served: each file under a route of its own, and the document."""
        files = {f"/static/{name}": _asset(page.asset(name).encode(), kind) for name, kind in FILES.items()}
        return files | {"/document": self._document}

    def _document(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer with the document, or that it is still the one with the token that is asked about."""
        request = Request(environ)
        experiment = environ.get(experiment_id.WSGI_ENVIRON_KEY, "")
        where = {"ctx": contexts.from_environ(environ), "experiment_id": experiment}
        answer = self._documents.newer_than(request.args.get("since", ""), where)
        response: Response = http_util.Respond(request, answer, JSON)
        return response(environ, start_response)


def _asset(content: bytes, kind: str) -> Callable[..., Any]:
    @Request.application
    def app(request: Request) -> Response:
        return http_util.Respond(request, content, kind)

    return app


class _Read(NamedTuple):
    """A run as it was read, what it was listed as then, and its document with at most so many points a series."""

    listed: str
    run: Run
    most: int
    document: Document


class Documents:
    """The document of what TensorBoard has read; only runs that have changed are read again.

    Args:
        provider: Where TensorBoard has its data, whichever loader reads the files.
        log_dir: What TensorBoard was told to look at.
    """

    def __init__(self, provider: DataProvider, log_dir: str) -> None:
        self._provider, self._log_dir = provider, log_dir
        self._known: dict[str, dict[str, _Read]] = {}
        """The runs of each experiment by their folders, as they were last read."""
        self._lock = threading.Lock()

    def newer_than(self, token: str, where: Where) -> str:
        """Return the document as JSON with its token, or that it is unchanged if it is the one with this token."""
        with self._lock:
            runs = self._known[where["experiment_id"]] = self._read(where, self._known.get(where["experiment_id"], {}))
        live = any(read.run.is_live for read in runs.values())
        now = _hash([live, *((folder, read.listed) for folder, read in runs.items())])
        if token == now:
            return compact({"unchanged": True})
        return compact(
            joined(title_of(self._log_dir), [read.document for read in runs.values()], live) | {"token": now}
        )

    def _read(self, where: Where, known: Mapping[str, _Read]) -> dict[str, _Read]:
        """Return the runs of this package, in the order of their folders; those that have not changed as known."""
        scalars, edges = (self._provider.list_scalars(**where, plugin_name=name) for name in (SCALARS, EDGES))
        records = self._provider.list_tensors(**where, plugin_name=NAME)
        series = {
            folder: {**scalars.get(folder, {}), **edges.get(folder, {}), **records.get(folder, {})}
            for folder in sorted({*scalars, *records})
        }
        listed = {  # by a hash that differs when the run has changed
            folder: _hash(sorted((name, one.max_step, one.max_wall_time) for name, one in of.items()))
            for folder, of in series.items()
            if any(is_ours(name, one.description or "") for name, one in of.items())
        }
        runs = {
            folder: Run(name_of(folder, self._log_dir))
            for folder, now in listed.items()
            if folder not in known or known[folder].listed != now
        }
        for folder, run in runs.items():
            run.last_written = max(one.max_wall_time for one in series[folder].values())
            for name, one in scalars.get(folder, {}).items():
                run.describe(name, one.description or "")
        if runs:
            self._fill(runs, where)
        now = {folder: runs[folder] if folder in runs else known[folder].run for folder in listed}
        most = most_points(now.values())
        return {
            folder: known[folder]
            if folder not in runs and known[folder].most == most
            else _Read(listed[folder], run, most, run.as_document(most))
            for folder, run in now.items()
        }

    def _fill(self, runs: Mapping[str, Run], where: Where) -> None:
        """Give runs their points and their newest records."""
        of_runs = {"downsample": POINTS, "run_tag_filter": RunTagFilter(runs=list(runs))}
        read = [self._provider.read_scalars(**where, plugin_name=p, **of_runs) for p in (SCALARS, EDGES)]
        newest = RunTagFilter(runs=list(runs), tags=[RECORD.name])
        records = self._provider.read_tensors(**where, plugin_name=NAME, downsample=1, run_tag_filter=newest)
        for folder, run in runs.items():
            for name, points in (each for found in read for each in found.get(folder, {}).items()):
                for point in points:
                    run.point(name, point.step, point.value)
            for record in records.get(folder, {}).get(RECORD.name, ()):
                run.record(record.numpy.item())


def _hash(value: Any) -> str:
    return hashlib.sha256(repr(value).encode(errors="replace")).hexdigest()
