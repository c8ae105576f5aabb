"""The decision: posteriors, policies and ranking. No I/O, no clock, no global state."""

from bandit.arms import Arms, Eligible
from bandit.keying import decision_key
from bandit.model import Model, Models
from bandit.policy import BayesUCB, Greedy, Policy, ThompsonSampling
from bandit.posterior import Prior, posterior
from bandit.ranking import rank
from bandit.sampler import CpuSampler, Sampler
from bandit.template import EntityTemplate

__all__ = [
    "Arms",
    "BayesUCB",
    "CpuSampler",
    "Eligible",
    "EntityTemplate",
    "Greedy",
    "Model",
    "Models",
    "Policy",
    "Prior",
    "Sampler",
    "ThompsonSampling",
    "decision_key",
    "posterior",
    "rank",
]
