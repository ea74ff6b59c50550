"""The 106 criteria of RGAA 4.1.2, what was found of each on the pages of the hub, and how.

The public statement counts them, and ``tools/accessibility.py`` writes docs/accessibility.md from them.  An answer is
what somebody could see again: by a test of every page, or in the one template that makes every page.  Nobody who lives
with a screen reader has been asked yet, and nobody has read every page for it; what takes that is said to be untested.
"""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Found(StrEnum):
    YES = "conform"
    NO = "not conform"
    NONE = "not applicable"
    UNTESTED = "not tested"


YES, NO, NONE, UNTESTED = Found.YES, Found.NO, Found.NONE, Found.UNTESTED


@dataclass(frozen=True, slots=True)
class Criterion:
    """``shown`` tells members what is missing, where something is."""

    number: str
    title: str
    found: Found
    how: str
    shown: str | Promise = ""

    @property
    def theme(self) -> int:
        return int(self.number.partition(".")[0])


THEMES = (
    "Images",
    "Frames",
    "Colours",
    "Multimedia",
    "Tables",
    "Links",
    "Scripts",
    "Mandatory elements",
    "Structure of information",
    "Presentation",
    "Forms",
    "Navigation",
    "Consultation",
)
AXE = "axe on every page, at 320, 360, 640 and 1280 px, in both themes"
KEYS = "every page is walked through with the tabulator"
NO_MEDIA = "no sound, no video, no moving picture"
CRITERIA = (
    Criterion("1.1", "Pictures with a meaning have a text", YES, AXE),
    Criterion(
        "1.2", "Decoration is ignored", YES, f"{AXE}; icons are aria-hidden, the logo beside its name has alt=''"
    ),
    Criterion(
        "1.3",
        "The text of a picture says what it shows",
        UNTESTED,
        "takes reading every page, which nobody has done for this",
    ),
    Criterion("1.4", "The text of a CAPTCHA says what it is", NONE, "none"),
    Criterion("1.5", "There is another way than a CAPTCHA", NONE, "none"),
    Criterion("1.6", "What needs a long description has one", YES, "every chart stands beside its table"),
    Criterion("1.7", "Long descriptions are right", YES, "table and chart are made from the same rows"),
    Criterion("1.8", "No pictures of words", YES, "only the cooperative's own logo, which is excepted"),
    Criterion("1.9", "Captions are tied to their picture", UNTESTED, "few pictures have one; not looked at"),
    Criterion("2.1", "Frames have a title", YES, "only while signing out, hidden and titled"),
    Criterion("2.2", "The title is right", UNTESTED, "takes reading every page, which nobody has done for this"),
    Criterion(
        "3.1",
        "Nothing is told by colour alone",
        YES,
        "style page and pictures: states have a sign and a word; charts have patterns",
    ),
    Criterion(
        "3.2", "Words have enough contrast", YES, f"{AXE}; colours of a cooperative are measured before they are kept"
    ),
    Criterion(
        "3.3",
        "Parts have enough contrast",
        YES,
        "the tokens are measured, in both themes (tests/branding/test_colours.py)",
    ),
    *(
        Criterion(f"4.{number}", title, NONE, NO_MEDIA)
        for number, title in enumerate(
            (
                "Recorded media have a transcript or description",
                "Transcripts and descriptions are right",
                "Synchronised media have captions",
                "Captions are right",
                "Audio description is there",
                "Audio description is right",
                "Media can be identified",
                "Other media have an alternative",
                "The alternative is right",
                "Sound that starts by itself can be stopped",
                "Media are controlled by the keyboard",
                "Other media are controlled by the keyboard",
                "Media work with assistive technology",
            ),
            1,
        )
    ),
    Criterion("5.1", "Complex tables have a summary", YES, "the matrix is explained above; other tables are plain"),
    Criterion("5.2", "The summary is right", UNTESTED, "takes reading every page, which nobody has done for this"),
    Criterion("5.3", "Layout tables can be read in order", NONE, "no layout tables"),
    Criterion("5.4", "Tables have a title", YES, "every table has a caption"),
    Criterion("5.5", "The title is right", UNTESTED, "takes reading every page, which nobody has done for this"),
    Criterion("5.6", "Headers are declared", YES, AXE),
    Criterion("5.7", "Cells are tied to their headers", YES, f"{AXE}; on a phone cells also repeat their header"),
    Criterion("5.8", "Layout tables use no element of data tables", NONE, "no layout tables"),
    Criterion("6.1", "Links say where they lead", UNTESTED, "takes reading every page, which nobody has done for this"),
    Criterion("6.2", "Links have a name", YES, AXE),
    Criterion(
        "7.1", "Scripts work with assistive technology", UNTESTED, "roles and names by axe; no screen reader used"
    ),
    Criterion("7.2", "The alternative to a script is right", YES, "every page opens without scripts, by a test"),
    Criterion("7.3", "Scripts are used by the keyboard", YES, KEYS),
    Criterion("7.4", "Changes of context are announced", YES, "forms have buttons; nothing moves by itself"),
    Criterion("7.5", "Status messages are told", UNTESTED, "role=status and role=alert; no screen reader used"),
    Criterion("8.1", "A document type", YES, "one base template"),
    Criterion("8.2", "Valid source", UNTESTED, "djlint reads the templates; no validator reads the pages"),
    Criterion("8.3", "A language", YES, AXE),
    Criterion("8.4", "The right language", YES, "tests of both languages"),
    Criterion("8.5", "A page title", YES, AXE),
    Criterion("8.6", "The right title", UNTESTED, "takes reading every page, which nobody has done for this"),
    Criterion(
        "8.7",
        "Changes of language are marked",
        NO,
        "names of tools and words that a cooperative typed in another language are not",
        _("Les textes saisis dans une autre langue, comme des noms d’outils, ne sont pas signalés comme tels."),
    ),
    Criterion("8.8", "The language code is valid", YES, "fr or en"),
    Criterion(
        "8.9", "No element for its looks alone", UNTESTED, "takes reading every page, which nobody has done for this"
    ),
    Criterion("8.10", "Changes of reading direction are marked", NONE, "no language written from right to left"),
    Criterion("9.1", "Headings", YES, f"{AXE}; one h1 on every page, by a test"),
    Criterion("9.2", "Landmarks", YES, f"{AXE}; one base template"),
    Criterion("9.3", "Lists", YES, AXE),
    Criterion("9.4", "Quotations", UNTESTED, "takes reading every page, which nobody has done for this"),
    Criterion("10.1", "Style sheets make the looks", YES, "the policy refuses any other way"),
    Criterion(
        "10.2", "What is seen stays without style", UNTESTED, "takes reading every page, which nobody has done for this"
    ),
    Criterion(
        "10.3",
        "What is read stays in order without style",
        UNTESTED,
        "takes reading every page, which nobody has done for this",
    ),
    Criterion("10.4", "Words at 200 % stay readable", YES, "every page with words twice as large, by a test"),
    Criterion("10.5", "Colours of ground and words go together", YES, "tokens give both"),
    Criterion("10.6", "Links can be told from words", YES, f"{AXE}; underlined, but in menus and tiles"),
    Criterion("10.7", "The focus can be seen", YES, f"{KEYS}, and each stop must show"),
    Criterion("10.8", "Hidden content is ignored where it should be", YES, AXE),
    Criterion(
        "10.9",
        "Nothing by shape, size or place alone",
        UNTESTED,
        "takes reading every page, which nobody has done for this",
    ),
    Criterion(
        "10.10",
        "Nothing by shape, size or place alone, in pictures",
        UNTESTED,
        "takes reading every page, which nobody has done for this",
    ),
    Criterion(
        "10.11", "320 px wide without scrolling sideways", YES, "every page at 320 px, by a test; tables scroll inside"
    ),
    Criterion("10.12", "Spaced words stay readable", YES, "every page with the spacing of WCAG 1.4.12, by a test"),
    Criterion("10.13", "What appears under the pointer can be dismissed", NONE, "nothing appears so"),
    Criterion("10.14", "What style alone shows is shown by the keyboard", YES, f"{KEYS}; native details elements"),
    Criterion("11.1", "Fields have a label", YES, AXE),
    Criterion("11.2", "Labels are right", UNTESTED, "takes reading every page, which nobody has done for this"),
    Criterion(
        "11.3",
        "The same field has the same label",
        UNTESTED,
        "takes reading every page, which nobody has done for this",
    ),
    Criterion("11.4", "Labels are beside their field", YES, "one template makes every field"),
    Criterion("11.5", "Fields of a kind are grouped", YES, f"{AXE}; choices stand in fieldsets"),
    Criterion("11.6", "Groups have a legend", YES, AXE),
    Criterion("11.7", "Legends are right", UNTESTED, "takes reading every page, which nobody has done for this"),
    Criterion(
        "11.8",
        "Options of a list are grouped where useful",
        UNTESTED,
        "takes reading every page, which nobody has done for this",
    ),
    Criterion("11.9", "Buttons say what they do", YES, AXE),
    Criterion("11.10", "Errors are told where they are", YES, "one template ties field, help and error"),
    Criterion("11.11", "Errors come with a suggestion", YES, "tests of forms; each error says what to do"),
    Criterion(
        "11.12", "What binds can be checked or undone", YES, "consent is withdrawn in one click; erasure has two people"
    ),
    Criterion("11.13", "Fields about oneself can be filled by the browser", YES, f"{AXE}; sign-in and one's details"),
    Criterion(
        "12.1",
        "Two ways to get around",
        YES,
        "a menu, and a site map that holds every page of the table of access (tests/hub/test_sitemap.py)",
    ),
    Criterion("12.2", "Menus stay in their place", YES, "one base template"),
    Criterion("12.3", "The site map is right", YES, "each of its links opens for whoever is shown it, by a test"),
    Criterion("12.4", "The site map is reached from everywhere", YES, "in the foot of every page"),
    Criterion("12.5", "Search is reached in the same way", NONE, "no search of the site"),
    Criterion("12.6", "Regions can be reached or skipped", YES, f"{AXE}; landmarks"),
    Criterion("12.7", "A link to the content", YES, "first stop of every page"),
    Criterion("12.8", "The order of stops is sensible", YES, f"{KEYS}, in the order of the source"),
    Criterion("12.9", "The keyboard is not trapped", YES, f"{KEYS} and out of it"),
    Criterion(
        "12.10",
        "Shortcuts of one key can be changed",
        YES,
        "each member switches off “/” and “?” on the page of tools (tests/launcher/test_order.py)",
    ),
    Criterion("12.11", "What appears is reached by the keyboard", YES, KEYS),
    Criterion(
        "13.1",
        "Time limits can be extended",
        NO,
        "a session ends after twelve idle hours by default; whoever is away then loses what was typed",
        _("Une session inactive se ferme au bout de quelques heures. Ce qui n’était pas envoyé est perdu."),
    ),
    Criterion("13.2", "No window opens by itself", YES, "none does"),
    Criterion(
        "13.3",
        "Documents to download are accessible",
        YES,
        "PDFs are PDF/UA-1 (tests/audit/test_pdf.py); what a spreadsheet says is on a page too, and it has a"
        " title, a language and, where it is one table, its heading (tests/audit/test_exports.py)",
    ),
    Criterion("13.4", "The accessible version says the same", YES, "page, file and PDF are made from the same values"),
    Criterion("13.5", "Cryptic signs have a meaning", NONE, "none"),
    Criterion("13.6", "The meaning is right", NONE, "none"),
    Criterion("13.7", "Nothing flashes", YES, "one animation of a border, two seconds, once"),
    Criterion("13.8", "What moves can be stopped", YES, "nothing moves for longer; reduced motion is respected"),
    Criterion("13.9", "Either orientation", YES, "no lock, in the manifest neither"),
    Criterion("13.10", "No complicated gesture", YES, "none"),
    Criterion("13.11", "A touch can be taken back", YES, "buttons and links of the browser"),
    Criterion("13.12", "No movement of the device", NONE, "none"),
)


def count(found: Found) -> int:
    return sum(each.found is found for each in CRITERIA)


def missing() -> list[Criterion]:
    return [each for each in CRITERIA if each.found is NO]


def share() -> int:
    """Percent of what applies and was tested, as RGAA counts."""
    return 100 * count(YES) // (count(YES) + count(NO))
