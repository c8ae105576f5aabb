"""Features in Redis or Valkey, in one server or a cluster.

The row of an id is one string value under `{prefix}:{entity type}:{id}`: the table's features in
its order as packed little-endian float64. The features of all tables lie in the hash
`{prefix}:tables`: the field is the entity type, the value a JSON array of names. Neither a prefix
nor an entity type holds a colon, so that every key has one reading.
"""

from featurestore.redis.settings import RedisSettings
from featurestore.redis.store import RedisStore
from featurestore.redis.tables import RedisTables

__all__ = ["RedisSettings", "RedisStore", "RedisTables"]
