"""What TensorBoard loads at each start in an environment with this package, so it imports next to nothing.

An error here would end TensorBoard; one in `load` is reported by it, and the other tabs stand.
"""

from typing import Any

from tensorboard.plugins import base_plugin


class Loader(base_plugin.TBLoader):
    """Makes the tab."""

    def fix_flags(self, flags: Any) -> None:
        """Have TensorBoard keep as many points of the edges of bands as of curves; its Python loader would keep ten."""
        flags.samples_per_plugin.setdefault("keras_ch8_edges", 1000)

    def load(self, context: base_plugin.TBContext) -> base_plugin.TBPlugin:
        """Return the tab of one TensorBoard."""
        from .plugin import Plugin

        return Plugin(context)
