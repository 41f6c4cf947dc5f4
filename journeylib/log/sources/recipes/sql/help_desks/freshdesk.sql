/*
recipe: freshdesk
version: 1
title: Freshdesk
export: Tickets as CSV (Tickets, Export), with contact and time columns.
tells: When a ticket came, was first answered, resolved and closed; the survey's answer.
lacks: >-
  One row a ticket: no words, no bot, no hand-over and no second answer. Times state no zone: set
  roles.timezone. Of a survey's answer only the last update is known as its time.
inputs:
  tickets:
    keys: [Ticket ID, Status, Created time, Agent interactions]
    fields:
      {Ticket ID: , Status: , Source: , Type: , Agent: , Group: , Created time: , Resolved time: ,
       Closed time: , Last update time: , Initial response time: , Tags: , Survey results: ,
       Email: , Contact ID: }
    once: [Ticket ID]
    newest: Last update time
*/
WITH t AS (
    SELECT
        coalesce(nullif("Contact ID", ''), nullif(Email, ''), 'ticket:' || "Ticket ID") AS customer,
        "Ticket ID" AS session, nullif("Created time", '') AS created,
        nullif("Initial response time", '') AS answered, nullif("Resolved time", '') AS resolved,
        nullif("Closed time", '') AS closed, "Last update time" AS updated,
        nullif("Survey results", '') AS survey, Source AS channel,
        coalesce(nullif(split_part(Tags, ',', 1), ''), Type) AS intent,
        nullif(nullif(Agent, 'No Agent'), '') AS agent
    FROM tickets
)

SELECT customer, session, created AS timestamp, 1 AS position, 'customer' AS actor,
    'Customer writes' AS touchpoint, channel, intent, NULL::VARCHAR AS resource, 'front' AS office,
    NULL::DOUBLE AS rating
FROM t
UNION ALL
SELECT customer, session, answered, 2, 'human', 'Agent answers', channel, intent, agent, 'front', NULL
FROM t WHERE answered IS NOT NULL
UNION ALL
SELECT customer, session, resolved, 3, 'system', 'Resolved', channel, intent, agent, 'back', NULL
FROM t WHERE resolved IS NOT NULL
UNION ALL
SELECT customer, session, closed, 4, 'system', 'Closed', channel, intent, agent, 'back', NULL
FROM t WHERE closed IS NOT NULL
UNION ALL
SELECT customer, session, updated, 5, 'customer', 'Rated', channel, intent, NULL, 'front',
    CASE survey WHEN 'Extremely Happy' THEN 7 WHEN 'Very Happy' THEN 6 WHEN 'Happy' THEN 5
        WHEN 'Neutral' THEN 4 WHEN 'Unhappy' THEN 3 WHEN 'Very Unhappy' THEN 2
        WHEN 'Extremely Unhappy' THEN 1 END
FROM t WHERE survey IS NOT NULL
