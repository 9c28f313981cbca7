"""The adapters there are: what each reads, and where its published file can be had."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Adapter:
    """One way to get questions.

    Attributes:
        name: Its name in specs and on the command line.
        target: "module:function" that loads it.
        what: What it loads.
        source: Where the file can be had; of what needs no file, where it comes from.
        licence: As the source states it.
        path: What its argument `path` is; empty where it takes none.
    """

    name: str
    target: str
    what: str
    source: str
    licence: str
    path: str = ""


CATALOGUE = (
    Adapter(
        "anes96",
        "pluralign.data.anes96:load_anes96",
        "American National Election Study 1996: 944 voters by party, education and income",
        "in the package statsmodels (pip install 'pluralign[data]')",
        "public domain",
    ),
    Adapter(
        "anes96_people",
        "pluralign.data.anes96:load_anes96_people",
        "The same 944 voters one by one, with their background",
        "in the package statsmodels (pip install 'pluralign[data]')",
        "public domain",
    ),
    Adapter(
        "arc",
        "pluralign.data.multiple_choice:load_arc",
        "ARC: questions of school science with one right option",
        "https://huggingface.co/datasets/allenai/ai2_arc",
        "CC BY-SA 4.0",
        path="the hub id (default), or a folder or file with its columns",
    ),
    Adapter(
        "file",
        "pluralign.data.files:load_file",
        "Questions of your own: CSV, JSONL or JSON",
        "a file you write",
        "yours",
        path="a .csv, .tsv, .jsonl or .json file",
    ),
    Adapter(
        "global_opinions",
        "pluralign.data.global_opinions:load_global_opinions",
        "GlobalOpinionQA: survey questions with each country's shares",
        "https://huggingface.co/datasets/Anthropic/llm_global_opinions",
        "CC BY-NC-SA 4.0",
        path="the hub id (default), or a folder or file with its columns",
    ),
    Adapter(
        "global_values",
        "pluralign.data.global_values:load_global_values",
        "100 questions of GlobalOpinionQA by three countries each (Meister et al. 2024)",
        "https://github.com/nicolemeister/benchmarking-distributional-alignment",
        "none stated",
        path="the file data.json",
    ),
    Adapter(
        "gsm8k_choices",
        "pluralign.data.gsm8k_choices:load_gsm8k_choices",
        "GSM8K: word problems with four numbers, of which one is the result",
        "https://github.com/openai/grade-school-math",
        "MIT",
        path="the hub id openai/gsm8k (default), or train.jsonl or test.jsonl",
    ),
    Adapter(
        "modular_pluralism",
        "pluralign.data.modular_pluralism:load_modular_pluralism",
        "Test sets of Modular Pluralism: OpinionQA, GlobalOpinionQA, MoralChoice",
        "https://github.com/BunsenFeng/modular_pluralism",
        "none stated",
        path="one of its JSON files",
    ),
    Adapter(
        "moralchoice",
        "pluralign.data.moralchoice:load_moralchoice",
        "MoralChoice: 687 low- and 680 high-ambiguity scenarios with two actions",
        "https://github.com/ninodimontalcino/moralchoice",
        "MIT",
        path="the folder of low_ambiguity.csv and high_ambiguity.csv",
    ),
    Adapter(
        "multipico",
        "pluralign.data.multipico:load_multipico",
        "MultiPICo: 506 people, one by one, on which replies are ironic, in nine languages",
        "https://github.com/Le-Wi-Di/le-wi-di.github.io",
        "none stated",
        path="the folder of MP_dev.json, MP_test.json and MP_annotators_meta.json",
    ),
    Adapter(
        "nytimes_books",
        "pluralign.data.nytimes_books:load_nytimes_books",
        "235 book summaries, likelihood to read by party and sex: a negative control",
        "https://github.com/nicolemeister/benchmarking-distributional-alignment",
        "none stated",
        path="the file data.json",
    ),
    Adapter(
        "pew",
        "pluralign.data.pew:load_pew",
        "OpinionQA: contentious Pew questions, counts by party, sex and race, with ordinals",
        "https://github.com/nicolemeister/benchmarking-distributional-alignment (counts) and "
        "https://github.com/JosephJeesungSuh/subpop (ordinals)",
        "counts: none stated; ordinals: BSD-3",
        path="the folder contentious_100 or contentious_500, question_ordinals.json beside it",
    ),
    Adapter(
        "polis",
        "pluralign.data.polis:load_polis",
        "A Polis conversation: how its opinion groups voted on each statement",
        "https://github.com/compdemocracy/openData",
        "CC BY 4.0",
        path="the folder of one conversation",
    ),
    Adapter(
        "polis_people",
        "pluralign.data.polis:load_polis_people",
        "A Polis conversation: how each participant voted",
        "https://github.com/compdemocracy/openData",
        "CC BY 4.0",
        path="the folder of one conversation",
    ),
    Adapter(
        "processes",
        "pluralign.data.processes:load_processes",
        "Coins, dice, random integers and urns, whose distribution is known exactly",
        "written for pluralign",
        "Apache-2.0",
    ),
    Adapter(
        "profiles",
        "pluralign.data.profiles:load_profile_statements",
        "Statements of value profiles, which the profiles themselves affirm or deny",
        "written for pluralign",
        "Apache-2.0",
    ),
    Adapter(
        "steer_bench",
        "pluralign.data.steer_bench:load_steer_bench",
        "Steer-Bench: 5,460 multiple-choice items of 30 pairs of communities",
        "https://github.com/kaichen23/steer-bench",
        "none stated",
        path="the file steer-bench.json",
    ),
    Adapter(
        "value_kaleidoscope",
        "pluralign.data.value_kaleidoscope:load_value_kaleidoscope",
        "Steerable ValueKaleidoscope of Modular Pluralism: what single values say to 2,429 situations",
        "https://github.com/BunsenFeng/modular_pluralism",
        "none stated",
        path="the file steerable_test_valuekaleidoscope_small.json",
    ),
)
