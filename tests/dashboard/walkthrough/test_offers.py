"""The cards of the samples."""

from dashboard.samples import load_samples
from dashboard.walkthrough.offers import sample_cards


def test_a_card_names_whose_photograph_it_shows_beside_the_note_that_narrow_windows_hide():
    samples = load_samples()
    credited = [sample for sample in samples if sample.source]
    assert [sample.path.name for sample in credited] == ["photograph.jpg"]
    cards = sample_cards(samples)
    assert cards.count("<button") == len(samples)
    assert cards.count('class="sample-source"') == 1
    assert f'class="sample-source">{credited[0].source}</span>' in cards
    assert all(credited[0].source not in sample.note for sample in samples)
