import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "reference")]

from clip_tokens import make_tokenizer, read_merges, tokenize  # noqa: E402
from plain_tokenizer import Tokenizer  # noqa: E402

TEXTS = ["a diagram", "flag: côte d'ivoire", "o'clock", "person: light skin tone, 2024", "don't _stop_ 3d!!", "a",
         "piñata", "keycap: *", "an unmanned aerial vehicle; drone (small)", "日本語 label"]


class PlainTokenizer(unittest.TestCase):
    def test_gives_the_tokens_of_openai_clip(self):
        for count in (8000, 48894):
            merges = read_merges(count)
            plain, reference = Tokenizer(merges), make_tokenizer(merges)
            for text in TEXTS:
                self.assertEqual(plain.encode(text), reference.encode(text), text)
            self.assertEqual(plain(TEXTS, 16).tolist(), tokenize(reference, TEXTS, 16).tolist())


if __name__ == "__main__":
    unittest.main()
