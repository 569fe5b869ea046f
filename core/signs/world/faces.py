"""Typefaces of the open world: some for training, others for validation, others for the test.

Open fonts (OFL, Apache) from the `fontpkg-*` packages, extra `train`. What is not installed is left
out; with none of them Pillow's own font is used, which is enough to try things out.
"""

from functools import cache

from core.signs import fonts

_FAMILIES = {
    "train": """
    abeezee abel abril-fatface albert-sans alegreya-sans almarai alumni-sans amiri andada-pro
    antic-slab anton archivo archivo-black arimo arvo asap assistant atkinson-hyperlegible
    baloo-2 barlow barlow-condensed barlow-semi-condensed be-vietnam-pro bebas-neue bitter
    black-ops-one bodoni-moda bricolage-grotesque bungee cabin cardo catamaran caveat
    chakra-petch changa-one cinzel comfortaa cormorant cormorant-garamond crimson-pro
    crimson-text dancing-script dm-mono dm-serif-display dm-serif-text dosis eb-garamond
    encode-sans exo exo-2 fira-code fira-sans fira-sans-condensed fjalla-one frank-ruhl-libre
    fraunces fredoka geist geist-mono geologica gravitas-one hammersmith-one hanken-grotesk
    heebo hind-siliguri ibm-plex-mono ibm-plex-sans ibm-plex-sans-condensed ibm-plex-serif
    inconsolata instrument-sans instrument-serif inter inter-tight jetbrains-mono josefin-sans
    karla lato league-spartan libre-franklin lilita-one lobster lora luckiest-guy manrope
    marcellus maven-pro merriweather merriweather-sans montserrat mukta mulish news-cycle
    newsreader noto-sans noto-sans-display noto-serif nunito nunito-sans oleo-script open-sans
    orbitron oswald outfit oxygen pacifico permanent-marker play playfair-display
    plus-jakarta-sans poppins prompt pt-sans pt-sans-narrow pt-serif public-sans questrial
    quicksand rajdhani raleway rethink-sans righteous roboto roboto-condensed roboto-flex
    roboto-mono roboto-slab rubik russo-one saira saira-condensed sanchez sarabun
    schibsted-grotesk shadows-into-light slabo-27px smooch-sans sofia-sans source-sans-3
    source-serif-4 space-grotesk syne tajawal teko titillium-web unbounded urbanist varela-round
    work-sans yellowtail
    """,
    "validation": """
    acme domine figtree indie-flower lobster-two share-tech sora space-mono vollkorn
    yanone-kaffeesatz
    """,
    "test": """
    alfa-slab-one archivo-narrow cairo chivo delius dm-sans epilogue hind jost kalam kanit
    lexend lexend-deca libre-baskerville literata onest overpass red-hat-display red-hat-text
    rowdies satisfy signika source-code-pro spectral titan-one viga zilla-slab
    """,
}
FAMILIES = {split: tuple(names.split()) for split, names in _FAMILIES.items()}
# Their small letters are drawn as capitals: what is written with them is written in capitals.
CAPITALS_ONLY = frozenset({"bebas-neue", "bungee", "cinzel", "luckiest-guy", "permanent-marker"})
HANDWRITTEN = frozenset(
    """
    caveat dancing-script delius indie-flower kalam pacifico permanent-marker satisfy
    shadows-into-light yellowtail
    """.split()
)
_MISSING = {"arvo": "€"}  # all others have every character of `strings.CHARACTERS`


@cache
def families(split: str, handwritten: bool = False) -> tuple[str, ...]:
    """The installed families of a split; with `handwritten`, those among them if there are any."""
    found = tuple(name for name in FAMILIES[split] if name in fonts.available())
    by_hand = tuple(name for name in found if name in HANDWRITTEN) if handwritten else ()
    return by_hand or found or ("",)


def written(text: str, family: str) -> str | None:
    """The text as the family shows it; None if it lacks one of its characters."""
    if set(text) & set(_MISSING.get(family, "")):
        return None
    if family not in CAPITALS_ONLY:
        return text
    return None if "ß" in text else text.upper()
