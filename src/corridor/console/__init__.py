"""The centre's live page: what the topics or a run's folders tell, folded into one picture and shown to many viewers."""
