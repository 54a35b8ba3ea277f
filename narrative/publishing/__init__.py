"""A finished training -> a model that anybody can use: in the catalogue, as one file, or on the hub. All or nothing."""

from narrative.publishing.archive import archive
from narrative.publishing.hub import hub_token_here, push_to_hub, require_hub
from narrative.publishing.publish import publish, publish_job

__all__ = ["archive", "hub_token_here", "publish", "publish_job", "push_to_hub", "require_hub"]
