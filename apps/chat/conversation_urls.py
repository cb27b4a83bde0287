from django.urls import path

from apps.chat import conversations, exports, feedback, personalization, saved

urlpatterns = [
    path("conversations", conversations.ConversationsView.as_view()),
    path("conversations/<str:conversation_id>", conversations.ConversationView.as_view()),
    path("conversations/<str:conversation_id>/messages", conversations.MessagesView.as_view()),
    path("conversations/<str:conversation_id>/export", exports.ExportView.as_view()),
    path("messages/<str:message_id>/feedback", feedback.FeedbackView.as_view()),
    path("chat/save", saved.SaveView.as_view()),
    path("chat/saved", saved.SavedChatsView.as_view()),
    path("chat/saved/<str:chat_id>", saved.SavedChatView.as_view()),
    path("user/personalize", personalization.PersonalizeView.as_view()),
]
