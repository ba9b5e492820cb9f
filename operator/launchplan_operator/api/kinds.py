"""The kinds that the operator reads or writes, and the REST path of each."""

from dataclasses import dataclass

GROUP = "launchplan.dev"
VERSION = "v1alpha1"


@dataclass(frozen=True, slots=True)
class Kind:
    """A resource of the Kubernetes API; the core group is the empty text."""

    group: str
    version: str
    plural: str
    kind: str

    @property
    def api_version(self) -> str:
        """What stands in a manifest's `apiVersion`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        """Return the path of one object, of a namespace's list, or with neither of the cluster's list."""
        root = f"/apis/{self.group}" if self.group else "/api"
        scope = f"/namespaces/{namespace}" if namespace else ""
        tail = "".join(f"/{part}" for part in (name, subresource) if part)
        return f"{root}/{self.version}{scope}/{self.plural}{tail}"


WORKFLOW_DEFINITIONS = Kind(GROUP, VERSION, "workflowdefinitions", "WorkflowDefinition")
LAUNCH_PLANS = Kind(GROUP, VERSION, "launchplans", "LaunchPlan")
REFERENCE_LAUNCH_PLANS = Kind(GROUP, VERSION, "referencelaunchplans", "ReferenceLaunchPlan")
LAUNCH_PLAN_EXECUTIONS = Kind(GROUP, VERSION, "launchplanexecutions", "LaunchPlanExecution")
CRON_JOBS = Kind("batch", "v1", "cronjobs", "CronJob")
JOBS = Kind("batch", "v1", "jobs", "Job")
CONTROLLER_REVISIONS = Kind("apps", "v1", "controllerrevisions", "ControllerRevision")
PODS = Kind("", "v1", "pods", "Pod")
EVENTS = Kind("", "v1", "events", "Event")
NAMESPACES = Kind("", "v1", "namespaces", "Namespace")
LEASES = Kind("coordination.k8s.io", "v1", "leases", "Lease")
CUSTOM_RESOURCE_DEFINITIONS = Kind(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition"
)
