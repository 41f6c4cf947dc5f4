/*
recipe: rasa
version: 1
title: Rasa
export: >-
  Trackers (one JSON object a conversation, or lines), or the events table of the tracker store.
tells: What the bot and the customer said, intents, and that the bot passed the customer on.
lacks: >-
  No human ever appears: a hand-over is a mark, and waits have no answer. Which actions hand over
  is a matter of your bot's names; they are in the SQL.
inputs:
  trackers:
    keys: [sender_id, events]
    tables: [trackers, tracker]
    optional: true
    fields:
      sender_id:
      events: [{event: , timestamp: , name: , text: , input_channel: , parse_data: {intent: {name: }}}]
  events:
    keys: [sender_id, type_name, data]
    tables: [events]
    optional: true
    once: [id]
    fields: {id: , sender_id: , type_name: , timestamp: , intent_name: , action_name: , data: json}
*/
WITH listed AS (
    SELECT
        sender_id AS customer, tracker * 1000000 + number AS place, e.event AS kind,
        e.timestamp AS seconds, e.name AS action, e.text AS text, e.input_channel AS channel,
        e.parse_data.intent.name AS intent
    FROM (
        SELECT
            sender_id, tracker, unnest(events) AS e,
            unnest(range(1, coalesce(len(events), 0) + 1)) AS number
        FROM (SELECT *, row_number() OVER () AS tracker FROM trackers)
    )
    UNION ALL
    SELECT
        sender_id, try_cast(id AS BIGINT), type_name, timestamp, action_name, data ->> 'text',
        data ->> 'input_channel', intent_name
    -- Where both are exported, a tracker holds the events of its sender already.
    FROM events ANTI JOIN trackers USING (sender_id)
),

visits AS (
    SELECT
        *,
        count(*) FILTER (kind = 'session_started')
            OVER (PARTITION BY customer ORDER BY place) AS visit,
        count(*) FILTER (kind = 'bot') OVER (PARTITION BY customer) AS spoken
    FROM listed
),

acts AS (
    SELECT
        *,
        CASE
            WHEN kind = 'user' THEN 'Customer writes'
            WHEN kind = 'bot' THEN 'Bot answers'
            -- Some trackers hold what the bot chose to say, and no words.
            WHEN kind = 'action' AND starts_with(action, 'utter_') AND spoken = 0 THEN 'Bot answers'
            WHEN kind = 'action' AND regexp_matches(
                action, 'hand_?(off|over)|human|live_?agent|escalat|transfer', 'i'
            ) THEN 'Bot hands over'
        END AS touchpoint
    FROM visits
)

SELECT
    customer,
    customer || '/' || visit AS session,
    at_seconds(seconds) AS timestamp,
    place AS position,
    if(kind = 'user', 'customer', 'bot') AS actor,
    touchpoint,
    max(channel) OVER (PARTITION BY customer, visit) AS channel,
    if(kind = 'user', intent, NULL) AS intent,
    if(kind = 'action', action, NULL) AS resource,
    text,
    coalesce(touchpoint = 'Bot hands over', false) AS handover
FROM acts
WHERE touchpoint IS NOT NULL
