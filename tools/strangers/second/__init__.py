"""The second series: another stranger's pictures, from when the first's answers had been seen.

Laid out as the first series is, with its typefaces; `drawing` has what that one did without.
Surfaces are rougher, it is darker, things stand before the writing, and who asks is brief.
"""

from tools.strangers.second.distant import DISTANT
from tools.strangers.second.houses import HOUSES
from tools.strangers.second.indoors import INDOORS
from tools.strangers.second.notes import NOTES
from tools.strangers.second.papers import PAPERS
from tools.strangers.second.screens import SCREENS
from tools.strangers.second.streets import STREETS
from tools.strangers.second.things import THINGS

PICTURES = PAPERS + NOTES + STREETS + HOUSES + INDOORS + SCREENS + DISTANT + THINGS
