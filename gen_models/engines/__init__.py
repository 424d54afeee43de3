"""The engines: functions that make an Algorithm from a paper's networks and objective. Papers
import engines, never the reverse."""
