"""The operator's own run settings: what holds where neither a run nor its plan says anything."""

from pydantic import Field
from pydantic.config import ConfigDict

from launchplan_operator.api.labels import Annotations, Labels
from launchplan_operator.api.launchplan import RunTimeout
from launchplan_operator.api.model import Model
from launchplan_operator.api.settings import Environment, Identity, MaxParallelism, RawOutputDataConfig


class RunDefaults(Model):
    """Run settings of all plans and runs that set none of their own, written as in a plan; empty by default.

    What reaches a pod is left out where the workflow does not allow it: nobody asked for it, so nobody is refused.
    """

    model_config = ConfigDict(extra="forbid")

    labels: Labels = Field(default={}, description="Labels for Jobs.")
    annotations: Annotations = Field(default={}, description="Annotations for Jobs.")
    env: Environment = Field(default=(), description="Environment variables, as far as the workflow allows them.")
    interruptible: bool | None = Field(default=None, description="Whether runs may land on nodes that may go away.")
    max_parallelism: MaxParallelism | None = Field(default=None, description="How many pods of a run may run at once.")
    raw_output_data_config: RawOutputDataConfig | None = Field(default=None, description="Where large outputs go.")
    identity: Identity | None = Field(default=None, description="Who runs are, as far as the workflow allows it.")
    timeout: RunTimeout | None = Field(default=None, description="How long a run may take.")
