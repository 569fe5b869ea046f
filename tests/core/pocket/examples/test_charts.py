from core.pocket.examples.charts import chart_example
from core.pocket.labels import MAX_LENGTH


def test_chart_labels_lie_on_ink():
    pixels, labels, spelling = chart_example(3, 0)
    assert spelling.shape == (12, 12, MAX_LENGTH)
    assert set(spelling[spelling > 0].tolist()) >= set(labels[labels > 0][:20].tolist())
    assert labels.shape == (24, 24) and 0.05 < (labels > 0).mean() < 0.9
    assert pixels.shape == (192, 192, 3)
