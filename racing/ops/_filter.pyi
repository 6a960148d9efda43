from racing.ops.plain_filter import abilities as abilities
from racing.ops.plain_filter import explain as explain
from racing.ops.plain_filter import settle as settle
