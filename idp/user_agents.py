"""What a browser is called on a member's pages: its make and its system, never a version nor the model of a device.

Only names from these lists are ever shown: what a request says of itself is somebody else's text.
"""

from ua_parser import parse

MAX_LENGTH = 512
BROWSERS = {
    "Firefox": "Firefox",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "Chrome": "Chrome",
    "Chrome Mobile": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Chrome Mobile WebView": "Chrome",
    "HeadlessChrome": "Chrome",
    "Chromium": "Chromium",
    "Safari": "Safari",
    "Mobile Safari": "Safari",
    "Mobile Safari UI/WKWebView": "Safari",
    "Edge": "Edge",
    "Edge Mobile": "Edge",
    "Opera": "Opera",
    "Opera Mobile": "Opera",
    "Opera Mini": "Opera",
    "Samsung Internet": "Samsung Internet",
    "Brave": "Brave",
    "Vivaldi": "Vivaldi",
    "DuckDuckGo Mobile": "DuckDuckGo",
    "DuckDuckGo": "DuckDuckGo",
}
SYSTEMS = {
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "Linux": "Linux",
    "Ubuntu": "Linux",
    "Debian": "Linux",
    "Fedora": "Linux",
    "Android": "Android",
    "iOS": "iOS",
    "Chrome OS": "ChromeOS",
}
PHONES = ("Android", "iOS")


def label_of(user_agent: str) -> str:
    """``Firefox, Linux``; empty where neither is on the list."""
    found = parse(user_agent[:MAX_LENGTH])
    browser = BROWSERS.get(found.user_agent.family, "") if found.user_agent else ""
    system = SYSTEMS.get(found.os.family, "") if found.os else ""
    return ", ".join(part for part in (browser, system) if part)


def is_phone(label: str) -> bool:
    return label.endswith(PHONES)
