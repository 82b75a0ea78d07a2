import numpy as np
import pytest

from symdrive.core.errors import UserError
from symdrive.core.registry import Registry
from symdrive.core.seeds import derived_seed, generator

TABLE = Registry(dict, {"ordered": "collections:OrderedDict", "counter": "collections:Counter"})


def test_names_resolve_late():
    assert TABLE.load("counter").__name__ == "Counter"
    assert TABLE.load("collections:defaultdict").__name__ == "defaultdict"


def test_a_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(UserError, match="did you mean 'counter'"):
        TABLE.load("conter")


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UserError, match="known: counter, ordered"):
        TABLE.load("zzz")


def test_a_target_of_another_kind_is_refused():
    with pytest.raises(UserError, match="not a dict"):
        TABLE.load("collections:deque")


def test_an_import_error_passes_through():
    with pytest.raises(ModuleNotFoundError):
        TABLE.load("no_such_module_at_all:Thing")


def test_a_driver_may_live_in_a_file_of_the_current_folder(tmp_path, monkeypatch):
    tmp_path.joinpath("my_table_file.py").write_text("class Mine(dict):\n    pass\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    assert TABLE.load("my_table_file:Mine").__name__ == "Mine"


def test_generators_are_named_and_repeatable():
    first = generator(3, "traffic").integers(0, 1 << 30, 8)
    np.testing.assert_array_equal(first, generator(3, "traffic").integers(0, 1 << 30, 8))
    assert (first != generator(3, "lidar").integers(0, 1 << 30, 8)).any()
    assert (first != generator(4, "traffic").integers(0, 1 << 30, 8)).any()
    assert derived_seed(3, "torch") == derived_seed(3, "torch") != derived_seed(4, "torch")
