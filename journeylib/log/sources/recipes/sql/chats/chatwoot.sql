/*
recipe: chatwoot
version: 1
title: Chatwoot
export: >-
  Messages of conversations (GET /conversations/ID/messages, or the table messages), as JSON lines
  or pages.
tells: Customer, bot and agent, private notes, assignments, hand-overs and waits, ratings.
lacks: >-
  A hand-over is the text of an activity, which is in the language of the account: the SQL knows
  English; others are counted as unknown.
inputs:
  messages:
    keys: [conversation_id, message_type, content, private]
    tables: [messages]
    once: [id]
    newest: updated_at
    fields:
      id:
      content:
      conversation_id:
      inbox_id:
      message_type:
      content_type:
      content_attributes: {submitted_values: {csat_survey_response: {rating: }}}
      created_at:
      updated_at:
      private:
      sender: {id: , type: , identifier: }
*/
WITH people AS (
    SELECT
        conversation_id,
        min_by(coalesce(sender.identifier, sender.id), try_cast(id AS BIGINT)) AS customer
    FROM messages
    WHERE sender.type = 'contact'
    GROUP BY conversation_id
),

sorted AS (
    SELECT
        m.*,
        coalesce(p.customer, 'conversation:' || m.conversation_id) AS customer,
        CASE
            WHEN message_type IN ('0', 'incoming') THEN 'incoming'
            WHEN message_type IN ('1', 'outgoing') AND yes(private) THEN 'note'
            WHEN message_type IN ('1', 'outgoing') THEN 'outgoing'
            WHEN content_type = 'input_csat' THEN 'survey'
            WHEN message_type IN ('3', 'template') THEN 'template'
            WHEN contains(content, 'marked open by') THEN 'passed'
            WHEN contains(content, 'marked resolved') THEN 'closed'
            WHEN contains(content, 'was reopened') THEN 'reopened'
            WHEN starts_with(content, 'Assigned to') OR contains(content, 'self-assigned') THEN 'assigned'
            WHEN message_type IN ('2', 'activity') THEN 'activity'
            ELSE message_type
        END AS kind,
        content_attributes.submitted_values.csat_survey_response.rating AS rating
    FROM messages AS m LEFT JOIN people AS p USING (conversation_id)
)

SELECT
    customer,
    conversation_id AS session,
    coalesce(at_seconds(created_at), try_cast(created_at AS TIMESTAMPTZ)) AS timestamp,
    try_cast(id AS BIGINT) AS position,
    CASE
        WHEN kind = 'incoming' OR (kind = 'survey' AND rating IS NOT NULL) THEN 'customer'
        WHEN kind = 'outgoing' AND sender.type = 'agent_bot' THEN 'bot'
        WHEN kind = 'outgoing' AND sender.type = 'user' THEN 'human'
        WHEN kind = 'outgoing' THEN NULL
        ELSE 'system'
    END AS actor,
    CASE kind
        WHEN 'incoming' THEN 'Customer writes'
        WHEN 'outgoing' THEN if(sender.type = 'agent_bot', 'Bot answers', 'Agent answers')
        WHEN 'note' THEN 'Private note'
        WHEN 'survey' THEN if(rating IS NULL, 'Asked for a rating', 'Rated')
        WHEN 'template' THEN 'Automatic message'
        WHEN 'passed' THEN 'Passed to a team'
        WHEN 'closed' THEN 'Closed'
        WHEN 'reopened' THEN 'Reopened'
        WHEN 'assigned' THEN 'Assigned'
        ELSE 'Activity'
    END AS touchpoint,
    inbox_id AS channel,
    sender.id AS resource,
    if(kind IN ('incoming', 'outgoing'), content, NULL) AS text,
    if(kind IN ('incoming', 'outgoing', 'survey', 'template'), 'front', 'back') AS office,
    try_cast(rating AS DOUBLE) AS rating,
    CASE WHEN kind NOT IN ('incoming', 'outgoing', 'note', 'survey', 'template', 'passed', 'closed',
        'reopened', 'assigned') THEN kind END AS _unknown
FROM sorted
