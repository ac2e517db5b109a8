"""A news aggregator: feeds in, articles, topics and their feeds out. The map of the house:

    cli, cli_…         the commands
    daemon             wires everything; signals, reload
    web/  schedule  engines/      what serves, what ticks, what works
    pipeline, polling  the whole way of the data: refresh, enrich, publish
    settling, story_…  where articles meet: copies merged, events and stories
    steps, compose     the work on texts, pure, in worker processes
    sources/  outputs/  store/    families of sites; formats; what is kept
    fetch/  workers    the network; processes
    config/            config.toml
    core/              pure: what an article is, and what becomes of it
    errors             what can go wrong

Each floor imports only those below it. ARCHITECTURE.md says what each file does.
"""
