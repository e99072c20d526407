"""Prints what an alert service would do at each crossing.

usage: consume.py BROKER TOPIC GROUP DATABASE
"""

import json
import sqlite3
import sys

from kafka import KafkaConsumer

broker, topic, group, database = sys.argv[1:]
db = sqlite3.connect(database)
db.execute("create table if not exists done (id text primary key)")

consumer = KafkaConsumer(
    topic,
    bootstrap_servers=broker,
    group_id=group,
    auto_offset_reset="earliest",  # nothing is missed at the first start
    enable_auto_commit=False,  # it is committed when it is done
)
for record in consumer:
    crossing = json.loads(record.value)
    if "specversion" in crossing:  # cloudevents.crossings: structured
        crossing = crossing["data"]
    if crossing["schema"] != 1:
        sys.exit(f"a crossing of another form: {crossing['schema']}")
    with db:  # it is noted as done unless what follows fails
        new = db.execute("insert or ignore into done values (?)", [crossing["id"]]).rowcount
        if new and crossing["status"] == "cleared":
            print("close", crossing["dedup_key"], flush=True)
        elif new:  # opens an alert, or raises the one that is open
            print("alert", crossing["dedup_key"], crossing["severity"], crossing["level"], flush=True)
    consumer.commit()
