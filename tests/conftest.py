"""What every test may rely on: the library's global state is as it was when the test began."""

import pytest

import nbnn


@pytest.fixture(autouse=True)
def _global_state():
    """Put back the default dtype, the grad mode, the number of threads and the random state."""
    kind, threads = nbnn.get_default_dtype(), nbnn.get_num_threads()
    generator = nbnn.functional.creation.default_generator.get_state()
    yield
    assert nbnn.is_grad_enabled(), "the test left gradients switched off"
    nbnn.set_default_dtype(kind)
    nbnn.set_num_threads(threads)
    nbnn.functional.creation.default_generator.set_state(generator)
