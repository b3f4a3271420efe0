"""Run all benchmarks, the codec's and those over HTTP; about two minutes."""

from tests.bench import codec, http

if __name__ == "__main__":
    try:
        codec.main()
        http.main()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
