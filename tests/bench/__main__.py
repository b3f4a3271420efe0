"""Run all benchmarks, the codec's, those of trust and those over HTTP; about two minutes."""

from tests.bench import codec, http, trust

if __name__ == "__main__":
    try:
        codec.main()
        trust.main()
        http.main()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
