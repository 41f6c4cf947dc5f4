/*
recipe: dialogflow_cx
version: 1
title: Dialogflow CX
export: The interaction log in BigQuery (dialogflow_bigquery_export_data), as JSON lines or a table.
tells: Each turn of customer and bot, intents, pages, and that the bot passed the customer on.
lacks: >-
  No human appears: a hand-over is a mark, and waits have no answer. Customer and bot share the
  time of their turn. At most 500 turns a conversation.
inputs:
  turns:
    keys: [conversation_name, turn_position, request_time, response]
    tables: [dialogflow_bigquery_export_data, turns]
    once: [conversation_name, turn_position]
    fields:
      {conversation_name: , turn_position: , request_time: , language_code: , request: json,
       response: json, derived_data: json}
*/
WITH opened AS (
    SELECT
        * REPLACE (
            json_of(request) AS request, json_of(response) AS response, json_of(derived_data) AS derived_data
        )
    FROM turns
),

asked AS (
    SELECT
        conversation_name AS session,
        coalesce(
            request ->> '$.queryParams.payload.userId', request ->> '$.queryParams.payload.user_id',
            request ->> '$.queryParams.parameters.userId', conversation_name
        ) AS customer,
        replace(request_time, ' UTC', 'Z') AS timestamp,
        try_cast(turn_position AS BIGINT) * 2 AS place,
        response ->> '$.queryResult.match.intent.displayName' AS intent,
        response ->> '$.queryResult.currentPage.displayName' AS page,
        coalesce(
            derived_data ->> 'userUtterances', request ->> '$.queryInput.text.text',
            response ->> '$.queryResult.text'
        ) AS question,
        derived_data ->> 'agentUtterances' AS answer,
        coalesce(
            contains(json_extract(response, '$.queryResult.responseMessages')::VARCHAR, '"liveAgentHandoff"'),
            false
        ) AS handover
    FROM opened
)

SELECT
    customer, session, timestamp, place AS position, 'customer' AS actor,
    'Customer writes' AS touchpoint, intent, NULL::VARCHAR AS resource, question AS text,
    false AS handover
FROM asked
WHERE coalesce(question, '') <> ''
UNION ALL
SELECT
    customer, session, timestamp, place + 1, 'bot',
    if(handover, 'Bot hands over', 'Bot answers'), intent, page, answer, handover
FROM asked
