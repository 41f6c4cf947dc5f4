/*
recipe: zendesk_chat
version: 1
title: Zendesk Chat (tables of Fivetran)
export: ticket_chat_event and ticket_chat, in DuckDB or as one CSV a table.
tells: Customer, bot and agent in a chat.
lacks: The bot shows only in original_message; without it its words count as the agent's.
inputs:
  events:
    keys: [chat_id, created_at, actor_id, chat_index, type]
    tables: [ticket_chat_event, ticket_chat_event_data]
    once: [chat_id, chat_index]
    newest: created_at
    fields: {chat_id: , created_at: , actor_id: , chat_index: , message: , original_message: , type: }
  chats:
    keys: [chat_id, visitor_id, ticket_id, channel]
    tables: [ticket_chat, ticket_chat_data]
    optional: true
    once: [chat_id]
    fields: {chat_id: , user_id: , visitor_id: , channel: }
*/
WITH judged AS (
    SELECT
        e.*, c.channel,
        coalesce(c.user_id, c.visitor_id, 'chat:' || e.chat_id) AS customer,
        CASE
            WHEN regexp_matches(coalesce(original_message, ''), '"type":\s*"zd:answerBot"') THEN 'bot'
            WHEN starts_with(actor_id, '__') THEN 'system'
            WHEN starts_with(actor_id, 'agent:') THEN 'human'
            WHEN regexp_matches(coalesce(original_message, ''), '"type":\s*"BUSINESS"') THEN 'bot'
            WHEN nullif(actor_id, '') IS NOT NULL THEN 'customer'
        END AS speaker,
        nullif(message, '') IS NOT NULL OR type = 'ChatMessage' AS speaks
    FROM events AS e LEFT JOIN chats AS c USING (chat_id)
)

SELECT
    customer, chat_id AS session, created_at AS timestamp, try_cast(chat_index AS BIGINT) AS position,
    if(speaks, speaker, 'system') AS actor,
    CASE
        WHEN NOT speaks THEN coalesce(nullif(type, ''), 'Event')
        WHEN speaker = 'customer' THEN 'Customer writes' WHEN speaker = 'bot' THEN 'Bot answers'
        WHEN speaker = 'human' THEN 'Agent answers' ELSE 'Automatic message'
    END AS touchpoint,
    channel, actor_id AS resource, if(speaks, message, NULL) AS text,
    if(speaks, 'front', 'back') AS office
FROM judged
