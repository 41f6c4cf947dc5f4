/*
recipe: posthog
version: 1
title: PostHog
export: Events as a batch export or the API writes them, JSON lines, pages or Parquet.
tells: What customers do on web and app, by person where people are identified.
lacks: Customers only, no bot and no agent. A person's id changes where PostHog merges people later.
inputs:
  events:
    keys: [event, distinct_id, properties, timestamp]
    tables: [events]
    once: [uuid, id]
    fields: {uuid: , id: , event: , distinct_id: , person_id: , timestamp: , properties: json}
*/
SELECT
    coalesce(person_id, distinct_id) AS customer,
    distinct_id AS id_distinct,
    coalesce(properties ->> '$."$session_id"', distinct_id) AS session,
    timestamp,
    row_number() OVER (ORDER BY timestamp, coalesce(uuid, id), event) AS position,
    if(starts_with(event, '$') AND event NOT IN ('$pageview', '$screen', '$autocapture', '$rageclick'), 'system', 'customer') AS actor,
    CASE event WHEN '$pageview' THEN 'Page viewed' WHEN '$screen' THEN 'Screen viewed'
        WHEN '$autocapture' THEN 'Clicked' WHEN '$rageclick' THEN 'Clicked in anger'
        ELSE event END AS touchpoint,
    coalesce(properties ->> '$."$device_type"', properties ->> '$."$lib"') AS channel
FROM events
