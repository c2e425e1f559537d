"""Product texts as somebody would write them who means harm, or whose export went wrong."""

# Only these products' texts have it.
WORD = "zwiebelturm"
TITLES = {
    "hostile-markup": (
        f'{WORD} <img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
    ),
    "hostile-rtl": f"{WORD} \u202egnp.exe\u2066 \u200f mug",
    "hostile-long": f"{WORD} " + "W" * 5_000,
}
DESCRIPTION = "<b>bold</b><script>window.hacked=1</script> & so on " * 2_000
