"""The metadata types that the org knows: where their files lie and how their ids begin."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One metadata type."""

    name: str
    #: Folder of its files in a package.
    folder: str
    suffix: str
    #: First three characters of its ids.
    prefix: str
    #: The component is a content file, beside which its ``-meta.xml`` lies.
    has_body: bool = False
    #: Its components lie in folders, which are components too.
    in_folder: bool = False
    #: It is a folder for components of this type.
    folder_of: str | None = None

    def path(self, name: str) -> str:
        """Return the path of a component's file in a package."""
        if self.folder_of:
            return f"{self.folder}/{name}-meta.xml"
        return f"{self.folder}/{name}.{self.suffix}"


#: In the order in which a deployment creates them: each may refer to those before it.
KINDS = (
    Kind("Settings", "settings", "settings", "0SE"),
    Kind("CustomObject", "objects", "object", "01I"),
    Kind("RemoteSiteSetting", "remoteSiteSettings", "remoteSite", "0rp"),
    Kind("CspTrustedSite", "cspTrustedSites", "cspTrustedSite", "08y"),
    Kind("ExternalClientApplication", "externalClientApps", "eca", "0xI"),
    Kind("ExtlClntAppGlobalOauthSettings", "extlClntAppGlobalOauthSets", "ecaGlblOauth", "0xG"),
    Kind("ExtlClntAppOauthSettings", "extlClntAppOauthSettings", "ecaOauth", "0xO"),
    Kind("ExtlClntAppOauthSecuritySettings", "extlClntAppOauthSecuritySettings", "ecaOauthSecurity", "0xS"),
    Kind("ExtlClntAppCanvasSettings", "extlClntAppCanvasSettings", "ecaCanvas", "0xC"),
    Kind("ExtlClntAppPushSettings", "extlClntAppPushSettings", "ecaPush", "0xP"),
    Kind("ExtlClntAppNotificationSettings", "extlClntAppNotifSettings", "ecaNotifications", "0xN"),
    Kind("ExtlClntAppMobileSettings", "extlClntAppMobileSettings", "ecaMobile", "0xM"),
    Kind("ApexPage", "pages", "page", "066", has_body=True),
    Kind("QuickAction", "quickActions", "quickAction", "09D"),
    Kind("CustomTab", "tabs", "tab", "01r"),
    Kind("Layout", "layouts", "layout", "00h"),
    Kind("FlexiPage", "flexipages", "flexipage", "0M0"),
    Kind("CustomApplication", "applications", "app", "02u"),
    Kind("PlatformEventChannel", "platformEventChannels", "platformEventChannel", "0YL"),
    Kind("PlatformEventChannelMember", "platformEventChannelMembers", "platformEventChannelMember", "0v8"),
    Kind("ReportType", "reportTypes", "reportType", "070"),
    Kind("ReportFolder", "reports", "reportFolder", "00l", folder_of="Report"),
    Kind("Report", "reports", "report", "00O", in_folder=True),
    Kind("PermissionSet", "permissionsets", "permissionset", "0PS"),
    Kind("Profile", "profiles", "profile", "00e"),
    Kind("ExtlClntAppConfigurablePolicies", "extlClntAppPolicies", "ecaPlcy", "0xJ"),
    Kind("ExtlClntAppOauthConfigurablePolicies", "extlClntAppOauthPolicies", "ecaOauthPlcy", "0xQ"),
    Kind("ExtlClntAppSamlConfigurablePolicies", "extlClntAppSamlConfigurablePolicies", "ecaSamlPlcy", "0xR"),
)
#: Types that live inside the file of their object: element -> type, and how their ids begin.
CHILDREN = {"fields": "CustomField", "compactLayouts": "CompactLayout", "listViews": "ListView", "webLinks": "WebLink"}
CHILD_PREFIXES = {"CustomField": "00N", "CompactLayout": "0AH", "ListView": "00B", "WebLink": "00b"}
#: Elements of an object's file that hold components of types which are not emulated.
LEFT_OUT = {
    "businessProcesses": "BusinessProcess",
    "fieldSets": "FieldSet",
    "indexes": "Index",
    "recordTypes": "RecordType",
    "sharingReasons": "SharingReason",
    "sharingRecalculations": "SharingRecalculation",
    "validationRules": "ValidationRule",
}
_BY_NAME = {one.name: one for one in KINDS}
_ELEMENTS = {kind: element for element, kind in CHILDREN.items()}
#: Creation order of all types; children of objects come right after their objects.
ORDER = tuple(
    name
    for one in KINDS
    for name in ((one.name, "CustomField") if one.name == "CustomObject" else (one.name,))
    for name in ((name, "WebLink", "ListView", "CompactLayout") if name == "ApexPage" else (name,))
)


def kind_of(name: str) -> Kind | None:
    """Return the type of that name, if its components have files of their own."""
    return _BY_NAME.get(name)


def element_of(kind: str) -> str | None:
    """Return the element of an object's file that holds components of a type."""
    return _ELEMENTS.get(kind)


def is_known(kind: str) -> bool:
    """Say whether a type is emulated."""
    return kind in _BY_NAME or kind in _ELEMENTS


def prefix_of(kind: str) -> str:
    """Return how ids of a type begin."""
    return CHILD_PREFIXES.get(kind) or _BY_NAME[kind].prefix


def path_of(kind: str, name: str) -> str:
    """Return the path of the file that holds a component."""
    if kind in _ELEMENTS:
        return _BY_NAME["CustomObject"].path(name.partition(".")[0])
    return _BY_NAME[kind].path(name)
