"""A net over the whole field and each dog's last runs; it needs torch, of the extra ``nets``."""

from training.families.field_net.family import FieldNet, LongFieldNet
from training.families.field_net.member import FieldNetMember

__all__ = ["FieldNet", "FieldNetMember", "LongFieldNet"]
