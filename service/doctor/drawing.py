"""What draws here: kernels of the CPU, the GPU, and from how many arms each is used."""

import betadist
from bandit.crossovers import Draw
from service.config import SamplerSettings
from service.doctor.section import Section
from service.sampling.gpu import Gpu, find_gpu
from service.sampling.sampling import measured

__all__ = ["drawing"]

DRAWS = {Draw.TOP_K: "top k of a catalogue", Draw.LIST: "list of candidates"}


def drawing(settings: SamplerSettings) -> list[Section]:
    """Return what is to be said of the sampler, the GPU, and the crossovers measured now."""
    gpu = find_gpu(settings.gpu)
    return [_sampler(settings), _gpu(settings, gpu), _crossovers(settings, gpu)]


def _sampler(settings: SamplerSettings) -> Section:
    section = Section("sampler")
    section.facts = {
        "simd level": betadist.simd_level(),
        "kernels": betadist.kernels(),
        "stream version": betadist.STREAM_VERSION,
        "self-test": "passed",
        "threads of a call": settings.threads,
        "threads at most": betadist.cpu_quota(),
    }
    try:
        betadist.self_test()
    except RuntimeError as error:
        section.facts["self-test"] = "failed"
        section.problems.append(f"the self-test failed: {error}")
    return section


def _gpu(settings: SamplerSettings, gpu: Gpu) -> Section:
    section = Section("gpu", {"in use": gpu.sampler is not None, "device": gpu.about})
    if settings.gpu == "on" and gpu.sampler is None:
        section.problems.append(f"sampler.gpu is on, but {gpu.about}")
    return section


def _crossovers(settings: SamplerSettings, gpu: Gpu) -> Section:
    """Measure from how many arms each back end draws; "never" where it doesn't."""
    calibration = measured(settings, gpu)
    facts: dict[str, object] = {}
    for draw, name in DRAWS.items():
        crossover = calibration.crossovers.of(draw)
        facts[f"{name}: CPU threads from (arms)"] = _from(crossover.threads)
        facts[f"{name}: GPU from (arms)"] = _from(crossover.gpu)
        facts[f"{name}: beside the event loop from (arms)"] = crossover.aside
    facts["measured"] = calibration.crossovers.measured
    facts["measured in ms"] = round(calibration.seconds * 1000, 1)
    facts["notes"] = list(calibration.notes)
    return Section("crossovers", facts)


def _from(arms: int | None) -> object:
    return "never" if arms is None else arms
