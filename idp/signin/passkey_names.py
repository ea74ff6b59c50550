"""What a new passkey is called when its member gives it no name: by what keeps it, else by where it was made."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from idp.user_agents import label_of

# AAGUIDs of what most people keep passkeys in; a name to recognise, never a rule.
# https://github.com/passkeydeveloper/passkey-authenticator-aaguids
KEEPERS = {
    "fbfc3007-154e-4ecc-8c0b-6e020557d7bd": "iCloud Keychain",
    "dd4ec289-e01d-41c9-bb89-70fa845d4bf2": "iCloud Keychain",
    "ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4": "Google Password Manager",
    "08987058-cadc-4b81-b6e1-30de50dcbe96": "Windows Hello",
    "9ddd1817-af5a-4672-a2b9-3e3dd95000a9": "Windows Hello",
    "6028b017-b1d4-4c02-b4b3-afcdafc96bb2": "Windows Hello",
    "adce0002-35bc-c60a-648b-0b25f1f05503": "Chrome, Mac",
    "771b48fd-d3d4-4f74-9232-fc157ab0507a": "Edge, Mac",
    "53414d53-554e-4700-0000-000000000000": "Samsung Pass",
    "bada5566-a7aa-401f-bd96-45619a55120d": "1Password",
    "d548826e-79b4-db40-a3d8-11116f7e8349": "Bitwarden",
    "531126d6-e717-415c-9320-3d9aa6981239": "Dashlane",
    "50726f74-6f6e-5061-7373-50726f746f6e": "Proton Pass",
    "fdb141b2-5d84-443e-8a35-4698c205a502": "KeePassXC",
    "b84e4048-15dc-4dd0-8640-f4f60813c8af": "NordPass",
    "2fc0579f-8113-47ea-b116-bb5a8db9202a": "YubiKey 5 NFC",
    "73bb0cd4-e502-49b8-9c6f-b59445bf720b": "YubiKey 5C NFC",
    "c5ef55ff-ad9a-4b9f-b580-adebafe026d0": "YubiKey 5Ci",
}


def default_name(*, model: str, user_agent: str, taken: Iterable[str]) -> str:
    """A name that no other passkey of the member has."""
    name = KEEPERS.get(model) or label_of(user_agent) or _("Clé d’accès")
    used = set(taken)
    numbered = (f"{name} {number}" for number in range(2, len(used) + 3))
    return name if name not in used else next(each for each in numbered if each not in used)
