const axios = require('axios');

class Mem0Memory {
  constructor(config) {
    this.apiKey = config.apiKey;
    this.baseUrl = config.baseUrl;
    this.userId = config.userId;
    this.sessionId = config.sessionId;
  }

  async saveContext(inputValues, outputValues) {
    try {
      const content = `Пользователь спросил: ${inputValues.input}. Ответ: ${outputValues.output}`;
      await axios.post(
        `${this.baseUrl}/api/memories`,
        {
          user_id: this.userId,
          session_id: this.sessionId,
          content: content,
          type: "interaction",
          metadata: {
            timestamp: new Date().toISOString()
          }
        },
        {
          headers: {
            'Authorization': `Bearer ${this.apiKey}`,
            'Content-Type': 'application/json'
          }
        }
      );
    } catch (error) {
      console.error('Error saving to Mem0:', error);
    }
  }

  async loadMemoryVariables() {
    try {
      const response = await axios.post(
        `${this.baseUrl}/api/memories/search`,
        {
          user_id: this.userId,
          session_id: this.sessionId,
          relevance_threshold: 0.7,
          limit: 5
        },
        {
          headers: {
            'Authorization': `Bearer ${this.apiKey}`,
            'Content-Type': 'application/json'
          }
        }
      );
      
      let memoryString = "";
      if (response.data.memories && response.data.memories.length > 0) {
        memoryString = "Предыдущий контекст:\n";
        response.data.memories.forEach(mem => {
          memoryString += `- ${mem.content}\n`;
        });
      }
      
      return { memory: memoryString };
    } catch (error) {
      console.error('Error loading from Mem0:', error);
      return { memory: "" };
    }
  }
}

// Использование в Flowise
module.exports = { Mem0Memory };
