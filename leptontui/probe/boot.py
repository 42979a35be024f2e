"""The first code to run on a host: imports the other modules out of the bundle, without a file being written."""

import importlib
import importlib.abc
import importlib.machinery
import sys


class Bundle(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds and loads modules whose source is in memory; tracebacks show their lines.

    Args:
        sources: module name → source; a package's own is `package.__init__`.
    """

    def __init__(self, sources):
        self._sources = sources

    def _key(self, fullname):
        package = fullname + ".__init__"
        return package if package in self._sources else fullname

    def find_spec(self, fullname, path=None, target=None):  # noqa: ARG002 — importlib passes them
        """See importlib."""
        key = self._key(fullname)
        if key not in self._sources:
            return None
        origin = key.replace(".", "/") + ".py"
        spec = importlib.machinery.ModuleSpec(fullname, self, origin=origin, is_package=self.is_package(fullname))
        spec.has_location = True
        return spec

    def is_package(self, fullname):
        """See importlib."""
        return self._key(fullname) != fullname

    def get_source(self, fullname):
        """See importlib."""
        try:
            return self._sources[self._key(fullname)]
        except KeyError as error:
            raise ImportError(fullname) from error

    def get_code(self, fullname):
        """See importlib."""
        return compile(self.get_source(fullname), self._key(fullname).replace(".", "/") + ".py", "exec")

    def exec_module(self, module):
        """See importlib."""
        exec(self.get_code(module.__name__), module.__dict__)  # noqa: S102 — this is what a loader does


def boot(sources, config):
    """Make `sources` importable and run the probe; does not return."""
    sys.dont_write_bytecode = True
    sys.meta_path.insert(0, Bundle(sources))
    importlib.import_module("lepton_probe.main").main(config)
